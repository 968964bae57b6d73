/** @file What help says of the files that weights are read from (src/formats/weights-file.ts). */
export const WEIGHT_FILES =
  'a safetensors file, an HDF5 file (.h5 or .hdf5) or a PyTorch checkpoint (.pth, .pt or .ckpt)'
