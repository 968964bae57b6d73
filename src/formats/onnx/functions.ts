/** @file The functions that a model has of its own, and the nodes that call them. */
import type { FunctionProto, ModelProto, NodeProto } from 'onnx-buf'

/** By {@link calledBy}. */
export type Functions = ReadonlyMap<string, FunctionProto>

/** Whether a domain is that of ONNX's own operators. */
export const isStandard = (domain: string): boolean => domain === '' || domain === 'ai.onnx'

const keyOf = (domain: string, name: string, overload: string) =>
  JSON.stringify([isStandard(domain) ? '' : domain, name, overload])

export const functionsOf = ({ functions }: ModelProto): Functions =>
  new Map(functions.map((one) => [keyOf(one.domain, one.name, one.overload), one]))

/** The function that a node calls; undefined where it is an operator. */
export const calledBy = ({ domain, opType, overload }: NodeProto, functions: Functions): FunctionProto | undefined =>
  functions.get(keyOf(domain, opType, overload))

/** The version of ONNX's operators that a function uses; undefined where it does not say it. */
export function opsetOf({ opsetImport }: FunctionProto): number | undefined {
  const version = opsetImport.find(({ domain }) => isStandard(domain))?.version
  return version === undefined ? undefined : Number(version)
}
