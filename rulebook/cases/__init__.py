"""What happened to customers: contacts, which rules they met, and whether the first contact solved them."""
