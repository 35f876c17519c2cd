"""Values that are logged: pictures, boxes, masks, classes. The only I/O is to read a given file."""
