/** @file What an operator is that runs graphs of its own: branches, loops. */
import type { Operation } from '../operation.ts'
import type { Scope } from '../scope.ts'
import type { Value } from '../value.ts'

export interface Running {
  scope: Scope
  /**
   * Runs the graph that is an attribute of the node on as many values as it has inputs; its outputs, of which
   * those may be left out that are not asked for. Throws UserError where it has other numbers of them.
   */
  body(attribute: string, inputs?: readonly (Value | undefined)[], only?: readonly boolean[]): (Value | undefined)[]
  /** Which outputs of the node something reads. */
  wanted: readonly boolean[]
  /** Inputs of the model of one value each, on which conditions may depend. */
  deciding: readonly string[]
}

/** The outputs of a node. */
export type Control = (
  operation: Operation,
  inputs: readonly (Value | undefined)[],
  running: Running,
) => readonly (Value | undefined)[]
