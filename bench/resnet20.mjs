// The work of ResNet-20 at batch 128, in convolutions and the classifier; multiply-adds count twice.

export const MODEL = 'resnet20'
export const BATCH = 128

const STEM = 432 * 1024
/** Forward multiply-adds per image: 3x3 convolutions, two 1x1 shortcuts, the classifier. */
const MACS = STEM + 6 * 2304 * 1024 + (4608 + 5 * 9216) * 256 + (18432 + 5 * 36864) * 64 + 512 * 256 + 2048 * 64 + 640

export const inferenceFlops = (batch) => 2 * batch * MACS
/** Forward, and as much again for each of the two gradients, of which the first layer needs one. */
export const STEP_FLOPS = 2 * BATCH * (3 * MACS - STEM)
