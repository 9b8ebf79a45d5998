"""One detector a cause: each looks for its fault and says where, how surely and at what cost."""
