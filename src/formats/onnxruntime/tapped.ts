/** @file A model whose inner values are outputs, too. */
import { create, toBinary } from '@bufbuild/protobuf'
import { GraphProtoSchema, ModelProtoSchema, ValueInfoProtoSchema } from 'onnx-buf'
import { changed } from '../onnx/changed.ts'
import type { OnnxFile } from '../onnx/file.ts'

/**
 * The bytes of a model with some values of its main graph as outputs beside its own. They have no types,
 * which ONNX Runtime finds out.
 */
export function tappedModel({ proto, graph }: OnnxFile, names: readonly string[]): Uint8Array {
  const own = new Set(graph.output.map(({ name }) => name))
  const more = [...new Set(names)].filter((name) => !own.has(name))
  const output = [...graph.output, ...more.map((name) => create(ValueInfoProtoSchema, { name }))]
  return toBinary(
    ModelProtoSchema,
    changed(ModelProtoSchema, proto, { graph: changed(GraphProtoSchema, graph, { output }) }),
  )
}
