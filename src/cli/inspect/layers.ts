/** @file The layers of a file whose network is known: what each takes, and what its zeros save. */
import { markdownTable } from 'markdown-table'
import { inferenceGraph } from '../../formats/onnx/export.ts'
import { type TensorFile, toFloats } from '../../formats/safetensors.ts'
import { prunableParameters } from '../../graph/graph.ts'
import { multiplications } from '../../graph/multiplications.ts'
import type { Model } from '../../models/model.ts'
import { patternOf } from '../../sparsity/granularity/found.ts'
import { grouped, percent } from '../../util/format.ts'

export interface LayerRow {
  name: string
  shape: readonly number[]
  parameters: number
  nonzeros: number
  /** Share of zeros. */
  sparsity: number
  /** Of one sample: two for each weight at each place, and what is left of them when zeros are skipped. */
  flops: number
  sparseFlops: number
  /** `2:4` and the like. */
  pattern?: string
}

/** The layers of a network in the order in which it uses them; those that the file lacks are left out. */
export function layerRows({ tensors }: TensorFile, model: Model): LayerRow[] {
  const graph = inferenceGraph(model)
  const counts = multiplications(graph)
  return prunableParameters(graph).flatMap(({ name, shape }) => {
    const stored = tensors.get(name)
    if (!stored || String(stored.shape) !== String(shape)) return []
    const values = toFloats(stored)
    const nonzeros = values.reduce((sum, x) => sum + (x === 0 ? 0 : 1), 0)
    const flops = 2 * counts.get(name)!
    const pattern = patternOf(values, shape)
    return [
      {
        name,
        shape,
        parameters: values.length,
        nonzeros,
        sparsity: 1 - nonzeros / values.length,
        flops,
        sparseFlops: Math.round((flops * nonzeros) / values.length),
        ...(pattern && { pattern }),
      },
    ]
  })
}

export function layerTable(rows: readonly LayerRow[]): string {
  const sum = (of: (row: LayerRow) => number) => rows.reduce((total, row) => total + of(row), 0)
  const [parameters, nonzeros] = [sum((row) => row.parameters), sum((row) => row.nonzeros)]
  const total = {
    name: 'all layers',
    shape: [],
    parameters,
    nonzeros,
    sparsity: parameters === 0 ? 0 : 1 - nonzeros / parameters,
    flops: sum((row) => row.flops),
    sparseFlops: sum((row) => row.sparseFlops),
  }
  const line = ({ name, shape, parameters: size, pattern, ...row }: LayerRow) => [
    name,
    shape.join(' x '),
    grouped(size),
    grouped(row.nonzeros),
    percent(row.sparsity),
    pattern ?? '',
    grouped(row.flops),
    grouped(row.sparseFlops),
  ]
  const head = ['layer', 'shape', 'weights', 'nonzeros', 'sparsity', 'N:M', 'FLOPs of a sample', 'without zeros']
  return markdownTable([head, ...[...rows, total].map(line)], { align: ['l', 'l', 'r', 'r', 'r', 'l', 'r', 'r'] })
}
