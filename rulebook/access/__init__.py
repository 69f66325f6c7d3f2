"""Who: people, departments, teams and what each role may do."""
