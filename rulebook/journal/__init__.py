"""What happened: one append-only, gap-free list of events that everything else reads."""
