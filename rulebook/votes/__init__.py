"""How much rules hurt or help customers, by those who apply them."""
