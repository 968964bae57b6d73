/**
 * @file The networks of the code of GSM (Ding et al. 2019): which network here each of them is, and what its
 * HDF5 files call the layers.
 */

export interface GsmNetwork {
  /** What its code calls it, with the classes that this was written for. */
  called: string
  /** The network here. */
  model: string
  /** A layer here that no smaller one of its family has. */
  last: string
  /** Its name for a layer here. */
  named(layer: string): string
  /** Mean and std of its inputs, for every channel, where its code says them. */
  inputs?: readonly [mean: number, std: number]
  /** Whether it needs, or takes, the widths of all convolutions from the data set `deps`. */
  widths?: boolean
}

const lenet = (layer: string): string => layer.replace(/^fc(?=\d)/, 'linear').replace(/^conv(?=\d)/, 'stem.conv')

/** A convolution and its normalization are `conv` and `bn` inside of what is named after the convolution. */
const convAndNorm = (layer: string): string =>
  layer.replace(/(?<=^|\.)conv(\d+)$/, 'conv$1.conv').replace(/(?<=^|\.)bn(\d+)$/, 'conv$1.bn')

const residual = (layer: string): string =>
  convAndNorm(layer)
    .replace(/^layer(?=\d)/, 'stage')
    .replace(/downsample\.0$/, 'shortcut.conv')
    .replace(/downsample\.1$/, 'shortcut.bn')
    .replace(/^fc$/, 'linear')

const inStem = (layer: string): string => convAndNorm(layer).replace(/^conv/, 'stem.conv').replace(/^fc/, 'linear')

const wideResidual = (layer: string): string =>
  layer
    .replace(/^layer(\d+)\.(\d+)/, (_, group, block) => `stage${group}.block${Number(block) + 1}`)
    .replace(/\.conv(\d)$/, '.conv$1.conv')
    .replace(/\.bn(\d)$/, '.conv$1.bn')
    .replace(/shortcut\.0$/, 'proj.bn')
    .replace(/shortcut\.1$/, 'proj.conv')
    .replace(/^bn$/, 'last_bn')
    .replace(/^fc$/, 'linear')

const mobile = (layer: string): string =>
  layer
    .replace(/^stem\./, 'conv1.')
    .replace(/^blocks\.(\d+)\.depthwise/, 'stem.$1.conv1')
    .replace(/^blocks\.(\d+)\.pointwise/, 'stem.$1.conv2')
    .replace(/(conv[12])_bn$/, '$1.bn')
    .replace(/^(stem\.\d+\.conv[12])$/, '$1.conv')
    .replace(/^fc$/, 'linear')

const MNIST = [0.1307, 0.3081] as const
const CIFAR = [0.5, 0.5] as const

const cifarResnet = (called: string, model: string, last: string): GsmNetwork => {
  return { called, model, last, named: residual, inputs: CIFAR, widths: true }
}

const imagenetResnet = (depth: number, model: string, last: string): GsmNetwork => {
  return { called: `resnet${depth}`, model, last, named: residual }
}

const wideResnets = (suffix: 'plain' | 'drop', ending: string): GsmNetwork[] =>
  [16, 28, 40].map((depth) => ({
    called: `wrnc${depth}${suffix}`,
    model: `wrn-${depth}-gsm${ending}`,
    last: `layer3.${(depth - 4) / 6 - 1}.conv2`,
    named: wideResidual,
    inputs: CIFAR,
    widths: true,
  }))

/** Of several with the same tensors the first is meant where a file does not say which. */
export const gsmNetworks: readonly GsmNetwork[] = [
  { called: 'lenet300', model: 'lenet-300-100', last: 'fc3', named: lenet, inputs: MNIST },
  { called: 'lenet5', model: 'lenet-5', last: 'conv2', named: lenet, inputs: MNIST },
  cifarResnet('rc56', 'resnet56', 'layer3.8.conv2'),
  cifarResnet('rc110', 'resnet110', 'layer3.17.conv2'),
  cifarResnet('rc164', 'resnet164', 'layer3.26.conv2'),
  ...wideResnets('plain', ''),
  ...wideResnets('drop', '-dropout'),
  { called: 'vc', model: 'vgg16-gsm', last: 'conv13', named: inStem, inputs: CIFAR, widths: true },
  { called: 'cfqkbnc', model: 'cifar-quick-bn', last: 'conv3', named: convAndNorm, inputs: CIFAR },
  { called: 'mc1', model: 'mobilenet-v1-cifar', last: 'blocks.12.pointwise', named: mobile, inputs: CIFAR },
  { called: 'alexBN', model: 'alexnet-bn', last: 'conv5', named: inStem },
  imagenetResnet(18, 'resnet18-imagenet', 'layer4.1.conv2'),
  imagenetResnet(34, 'resnet34-imagenet', 'layer4.2.conv2'),
  imagenetResnet(50, 'resnet50', 'layer4.2.conv3'),
  imagenetResnet(101, 'resnet101-imagenet', 'layer4.2.conv3'),
  imagenetResnet(152, 'resnet152-imagenet', 'layer4.2.conv3'),
]
