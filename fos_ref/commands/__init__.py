"""The commands behind `fos`, one module each. Heavy imports stay inside the functions that need them."""
