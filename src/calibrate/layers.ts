/**
 * @file The layers that calibration measures: those of networks that are pruned, so that every kind of kernel
 * sees maps and channels from small to large.
 */

/** The sizes of a layer; a linear layer has a map of one pixel and a kernel of one weight. */
export interface LayerShape {
  in: number
  out: number
  /** Rows and columns of the input. */
  size: number
  /** Rows and columns of the kernel. */
  kernel: number
  stride: number
}

/** For messages, such as `3x3, 16 x 32² to 32, stride 2`. */
export function layerText({ in: channels, out, size, kernel, stride }: LayerShape): string {
  if (size === 1 && kernel === 1) return `linear, ${channels} to ${out}`
  return `${kernel}x${kernel}, ${channels} x ${size}² to ${out}${stride > 1 ? `, stride ${stride}` : ''}`
}

/** [channels in, out, rows and columns of the input] */
type Sizes = readonly [number, number, number]

const layers = (kernel: number, stride: number, sizes: readonly Sizes[]): LayerShape[] =>
  sizes.map(([channels, out, size]) => ({ in: channels, out, size, kernel, stride }))

const linear = (...sizes: (readonly [number, number])[]): LayerShape[] =>
  sizes.map(([channels, out]) => ({ in: channels, out, size: 1, kernel: 1, stride: 1 }))

/** Of LeNet, ResNet, WideResNet, MobileNet and VGG, and some smaller ones. */
export const calibrationLayers: readonly LayerShape[] = [
  ...layers(3, 1, [
    [3, 16, 32],
    [3, 64, 32],
    [16, 16, 32],
    [32, 32, 32],
    [64, 64, 32],
    [32, 32, 16],
    [128, 128, 16],
    [64, 64, 8],
    [256, 256, 8],
    [64, 64, 56],
    [256, 256, 14],
    [512, 512, 7],
  ]),
  ...layers(5, 1, [
    [1, 6, 28],
    [6, 16, 14],
    [32, 64, 8],
    [64, 64, 16],
  ]),
  ...layers(7, 1, [[16, 16, 16]]),
  ...layers(3, 2, [
    [3, 32, 224],
    [16, 32, 32],
    [32, 64, 16],
    [64, 128, 32],
    [128, 256, 16],
    [128, 128, 56],
    [512, 512, 14],
  ]),
  ...layers(7, 2, [[3, 64, 224]]),
  ...layers(1, 2, [
    [16, 32, 32],
    [64, 128, 32],
    [256, 512, 56],
    [1024, 2048, 14],
  ]),
  ...layers(1, 1, [
    [8, 16, 14],
    [64, 16, 16],
    [16, 64, 32],
    [256, 64, 8],
    [32, 64, 112],
    [64, 256, 56],
    [128, 128, 56],
    [256, 256, 28],
    [512, 512, 14],
    [1024, 256, 14],
    [512, 2048, 7],
    [1024, 1024, 7],
  ]),
  ...linear([100, 10], [64, 10], [400, 120], [300, 100], [784, 300], [512, 512], [1024, 1000], [2048, 1000]),
]

/** Multiply-adds of the layer for one sample. */
export const multiplyAddsOf = ({ in: channels, out, size, kernel, stride }: LayerShape): number =>
  channels * out * (kernel * Math.ceil(size / stride)) ** 2
