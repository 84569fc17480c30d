"""Values as plain JSON and back: how each type is written, read and described, for whoever shows or sends them."""
