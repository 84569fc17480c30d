"""The pages of the shop, one module for what one page or one form is about."""
