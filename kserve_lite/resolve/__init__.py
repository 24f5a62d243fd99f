"""What a user's object means: defaults, validation, runtime choice, naming. Pure: values in, values out."""
