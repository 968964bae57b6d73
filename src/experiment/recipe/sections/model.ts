/** @file The section `model` of a recipe: the network, and what its weights begin as. */
import { z } from 'zod'
import { isOnnxName } from '../../../formats/onnx/file.ts'
import { isModelName, models } from '../../../models/index.ts'
import { type InitializerName, initializers } from '../../../models/model.ts'
import { nameIn, positive } from '../../../util/schema.ts'
import { suggestion } from '../../../util/suggest.ts'

export const modelSchema = z.strictObject({
  name: z
    .string()
    .refine((name) => isOnnxName(name) || isModelName(name), {
      error: ({ input }) => `found ${input}${suggestion(String(input), Object.keys(models))}`,
    })
    .describe('A built-in network (espalier list models), or an ONNX model by its path.'),
  init: nameIn<InitializerName>(initializers).optional().describe('How weights begin (default: as the model says).'),
  masks: z.string().optional().describe('A file of weights whose zeros (or masks) the network begins with.'),
  classes: positive.optional().describe('Logits; 1: one score for two classes. Default: as the model says.'),
  weights: z
    .string()
    .optional()
    .describe('A safetensors or HDF5 file, or a PyTorch checkpoint, to start from, instead of random weights.'),
  widen: z.number().positive().optional().describe('Factor on the widths of the networks that have one.'),
})
