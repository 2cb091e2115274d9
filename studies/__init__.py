"""Study files that come with the package (TOML, no code)."""
