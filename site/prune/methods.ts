/** @file What the page calls methods, and what goes together. */
import type { GoalKind, Granularity, PageMethod } from '../work/asked.ts'

interface Text {
  name: string
  about: string
}

export const methodTexts: Record<PageMethod, Text> = {
  magnitude: { name: 'Magnitude', about: 'The smallest weights go. Single weights need no samples for it.' },
  obc: {
    name: 'OBC',
    about: 'Weights go one by one, and those that stay make up for them (Frantar & Alistarh 2022). The slowest.',
  },
  sparsegpt: { name: 'SparseGPT', about: 'As OBC, by columns, in one pass (Frantar & Alistarh 2023).' },
  wanda: {
    name: 'Wanda',
    about: 'The smallest products of weight and input go; the others stay as they are (Sun et al. 2023).',
  },
}

export const granularityTexts: Record<Granularity, Text> = {
  weight: { name: 'Single weights', about: 'The most accurate; runtimes gain where they skip zeros, as here.' },
  '2:4': { name: '2:4', about: 'Two of every four inputs of an output stay.' },
  '1:4': { name: '1:4', about: 'One of every four inputs of an output stays.' },
  '2:4-channels': {
    name: '2:4 along channels',
    about: 'Two of every four input channels stay at each place of a kernel, as sparse tensor cores want it.',
  },
  '4x4': { name: 'Blocks of 4 × 4', about: 'Four outputs and four inputs at a time.' },
  block8: { name: 'Blocks of 8 outputs', about: 'Eight outputs lose the same inputs, which kernels here share.' },
  channel: {
    name: 'Whole channels',
    about: 'What is left is a smaller dense network, which every runtime runs faster. The ONNX file is written so.',
  },
}

export const goalTexts: Record<GoalKind, string> = {
  sparsity: 'A share of zeros',
  milliseconds: 'A time in this browser',
  kilobytes: 'A size compressed',
  multiplyAdds: 'A share of multiply-adds',
}
