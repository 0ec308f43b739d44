MUTANTS: dict[str, object] = {}
