/** @file How far a run is, as its checkpoints say it besides their tensors. */
import { z } from 'zod'
import type { TensorFile } from '../../formats/safetensors.ts'
import { UserError } from '../../util/errors.ts'

/** JSON in the metadata of a checkpoint. */
const progressSchema = z.object({
  step: z.int().min(0),
  /** Of the whole training, for who watches; absent from checkpoints of before they said it. */
  steps: z.int().min(0).optional(),
  sums: z.object({
    loss: z.number(),
    correct: z.number(),
    samples: z.number(),
    outputs: z.record(z.string(), z.number()).optional(),
  }),
  /** The best epoch so far, where the recipe keeps that. */
  best: z.object({ epoch: z.int().min(1), value: z.number() }).optional(),
  metricsBytes: z.int().min(0),
  seconds: z.number(),
  /** What a method that rewires carries along. */
  rewiring: z.record(z.string(), z.number()).optional(),
})
export type Progressed = z.output<typeof progressSchema>

/** Throws UserError where the metadata hold no such thing. */
export function progressOf({ metadata }: TensorFile, path: string): Progressed {
  try {
    return progressSchema.parse(JSON.parse(metadata.progress))
  } catch {
    throw new UserError(`${path} is not the checkpoint of a run: its metadata has no valid progress`)
  }
}
