"""No tables: desk ties together what others keep. Django sends post_migrate only to apps that have this module."""
