"""Events posted to an HTTP address: which ones, in which form, signed, and tried again."""
