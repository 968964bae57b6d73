/** @file The saliencies by name. Adding one: a file and a line here. */
import { magnitude } from './magnitude.ts'
import { randomSaliency } from './random.ts'
import type { Saliency } from './saliency.ts'

export const saliencies = {
  magnitude,
  random: randomSaliency,
} satisfies Record<string, Saliency>
export type SaliencyName = keyof typeof saliencies
