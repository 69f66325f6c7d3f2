"""What the numbers say: what each rule costs in first-contact resolution."""
