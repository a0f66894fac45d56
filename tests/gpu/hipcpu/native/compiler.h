// The form in which CuPy holds a compiled kernel: for CuPy it is a block of bytes.
#pragma once

#include <cstddef>
#include <string>

namespace hipcpu {

struct Image {
  const char *source;  // as CuPy wrote it, under comment lines with its options
  size_t source_size;
  const char *library;  // the shared library that g++ made of it
  size_t library_size;
};

// False if the bytes are not such an image, or come from another build of this runtime.
bool read_image(const void *data, Image *image);

// Writes the library to a file, for dlopen. Empty if that fails. The caller removes it.
std::string write_library(const Image &image);

// Keeps the source in the folder for NVRTC (`tests/gpu/nvrtc.py`), unless it is there already.
void save_source(const Image &image);

}  // namespace hipcpu
