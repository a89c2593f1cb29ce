"""What the editors' plugins and the backend share: values, geometry, protocol, client.

Standard library only, Python 3.8, relative imports only, so that the folder
can be copied into any editor's plugin and runs there as it is.
"""
