"""A made-up Nordic web shop, "Fjordhandel": its rules, its customers' contacts and what each rule costs it.

Nothing here comes from a real house. The laws that `rules.csv` quotes are real; the shop, its agreements, its
handbook, its customers and every figure are invented, so that a newcomer can try the product and a test can know the
right answer.

- `rules.csv`: the rules as a manager would collect them, the unwritten ones too.
- `plan.csv`: how many contacts each rule spoils, decided beforehand.
- `plan.py`: reads the plan and says what a correct calculation must find.
- `world.py`: turns the plan into fourteen months of cases and links.
"""
