/** @file Groups of channels that --multiple-of leaves as they are. */
import type { PruningRequest } from '../../methods/method.ts'
import { channelSpaces } from '../../sparsity/granularity/channel-spaces.ts'

/** Sentences about groups with fewer channels than the multiple. */
export function smallGroups({ model, tensors, masks }: Pick<PruningRequest, 'model' | 'tensors' | 'masks'>): string[] {
  const { multipleOf = 1 } = masks ?? {}
  if (multipleOf === 1) return []
  return channelSpaces(model, new Set(tensors.map(({ name }) => name))).flatMap(({ name, channels: { length } }) =>
    length < multipleOf
      ? [`--multiple-of ${multipleOf}: the ${length} channels of ${name} all stay, which are fewer`]
      : [],
  )
}
