"""What compiles: recipes to constants, CUDA C++ to cubins by NVRTC and to a library by g++, and the cache."""
