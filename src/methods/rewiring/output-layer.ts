/** @file Which layer makes the output of a network. */
import { weightOf } from '../../graph/channels.ts'
import { graphOf, type Model } from '../../models/model.ts'

/** The name of its weight, the last one of the graph. */
export function outputLayer(model: Model): string {
  const last = graphOf(model).nodes.findLast((node) => weightOf(node) !== undefined)
  return weightOf(last!)!.name
}
