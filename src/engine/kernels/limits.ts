/**
 * @file The numbers of kernels/kernels.def that sizes are checked against before a program reaches C. They
 * are compared with C's own when an engine loads (src/engine/machines/declarations.ts).
 */
export const limits = {
  /** Threads of a pool, and so arenas that run side by side. */
  MOST_THREADS: 256,
  /**
   * Floats of the widest vector, and of the widest register tiles of convolutions, of any instruction set.
   */
  WIDEST_VECTOR: 16,
  WIDEST_TILE: 64,
  WIDEST_SPARSE_TILE: 128,
  /**
   * Floats of scratch for the input rows of a convolution, and for its weights or the rows of the output's
   * gradient.
   */
  STRIP_FLOATS: 96 * 1024,
  WEIGHT_FLOATS: 64 * 1024,
  /** The most weights of one kernel, and of one whose gradients are kept apart by sample. */
  MOST_TAPS: 4096,
  MOST_SAMPLE_TAPS: 256,
  /** The most output channels in a register tile of weight gradients. */
  MOST_GRAD_OUTS: 4,
  /** Floats of scratch for the input rows of a sparse convolution, and its largest stride. */
  SPARSE_STRIP_FLOATS: 120 * 1024,
  SPARSE_MOST_STRIDE: 8,
  /**
   * Samples that lie side by side in such a strip: at least so many, doubled until a row of outputs has so
   * many floats.
   */
  SPARSE_SAMPLES: 16,
  SPARSE_ROW: 128,
  /**
   * Words of scratch of convolutions of bytes, for the windows of some outputs, which five times the depth of
   * one has to fit into, and for the input rows of a depthwise one.
   */
  INT8_PANEL: 160 * 1024,
  INT8_STRIP: 90 * 1024,
  /**
   * The most columns and the greatest depth of a product in place, and the largest block that is factored at
   * once.
   */
  IN_PLACE: 128,
  /** The most values along an axis that are picked and put in order. */
  MOST_TOP: 96 * 1024,
} as const
