/** @file Softmax, cross-entropy and accuracy (kernels/loss.c). Logits lie [class][sample]. */
import type { Kernel, ReferenceMemory } from '../kernel.ts'

/** The kernels take their first maximum from class 0. */
function checkClasses({ classes }: { classes: number }): void {
  if (classes < 1) throw new Error('expected at least one class')
}

/** e^(x - max) / sum, over `classes` values that lie `stride` apart. */
function softmaxAt(floats: ReferenceMemory['floats'], at: number, classes: number, stride: number): number[] {
  const x = Array.from({ length: classes }, (_, c) => floats[at + c * stride])
  const max = Math.max(...x)
  const e = x.map((v) => Math.exp(v - max))
  const sum = e.reduce((a, b) => a + b, 0)
  return e.map((v) => v / sum)
}

/** y = softmax(x) over the middle axis of [outer][classes][inner]. */
export const softmax: Kernel<'outer' | 'classes' | 'inner' | 'x' | 'y'> = {
  name: 'softmax',
  parameters: ['outer', 'classes', 'inner', 'x', 'y'],
  extents: (p) => {
    checkClasses(p)
    return [
      { offset: p.x, length: p.outer * p.classes * p.inner },
      { offset: p.y, length: p.outer * p.classes * p.inner },
    ]
  },
  reference: (p, { floats }) => {
    for (let o = 0; o < p.outer; o++)
      for (let i = 0; i < p.inner; i++) {
        const at = o * p.classes * p.inner + i
        softmaxAt(floats, p.x + at, p.classes, p.inner).forEach((v, c) => {
          floats[p.y + at + c * p.inner] = v
        })
      }
  },
}

/** loss[n] = log(sum over c of e^logits[c][n]) - logits[labels[n]][n]. */
export const crossEntropy: Kernel<'classes' | 'n' | 'logits' | 'labels' | 'loss'> = {
  name: 'cross_entropy',
  parameters: ['classes', 'n', 'logits', 'labels', 'loss'],
  extents: (p) => {
    checkClasses(p)
    return [
      { offset: p.logits, length: p.classes * p.n },
      { offset: p.labels, length: p.n },
      { offset: p.loss, length: p.n },
    ]
  },
  reference: (p, { floats }) => {
    for (let i = 0; i < p.n; i++) {
      const x = Array.from({ length: p.classes }, (_, c) => floats[p.logits + c * p.n + i])
      const max = Math.max(...x)
      const sum = x.reduce((total, v) => total + Math.exp(v - max), 0)
      floats[p.loss + i] = Math.log(sum) + (max - (x[floats[p.labels + i]] ?? 0))
    }
  },
}

/** dlogits[c][n] = (softmax(logits)[c][n] - [labels[n] = c]) dloss[n]. */
export const crossEntropyGrad: Kernel<'classes' | 'n' | 'logits' | 'labels' | 'dloss' | 'dlogits'> = {
  name: 'cross_entropy_grad',
  parameters: ['classes', 'n', 'logits', 'labels', 'dloss', 'dlogits'],
  extents: (p) => {
    checkClasses(p)
    return [
      { offset: p.logits, length: p.classes * p.n },
      { offset: p.labels, length: p.n },
      { offset: p.dloss, length: p.n },
      { offset: p.dlogits, length: p.classes * p.n },
    ]
  },
  reference: (p, { floats }) => {
    for (let i = 0; i < p.n; i++)
      softmaxAt(floats, p.logits + i, p.classes, p.n).forEach((v, c) => {
        const hit = floats[p.labels + i] === c ? 1 : 0
        floats[p.dlogits + c * p.n + i] = (v - hit) * floats[p.dloss + i]
      })
  },
}

/** y = how many samples have their largest logit, the first among equals, at their label. */
export const countCorrect: Kernel<'classes' | 'n' | 'logits' | 'labels' | 'y'> = {
  name: 'count_correct',
  parameters: ['classes', 'n', 'logits', 'labels', 'y'],
  extents: (p) => {
    checkClasses(p)
    return [
      { offset: p.logits, length: p.classes * p.n },
      { offset: p.labels, length: p.n },
      { offset: p.y, length: 1 },
    ]
  },
  reference: (p, { floats }) => {
    let correct = 0
    for (let i = 0; i < p.n; i++) {
      let best = 0
      for (let c = 1; c < p.classes; c++)
        if (floats[p.logits + c * p.n + i] > floats[p.logits + best * p.n + i]) best = c
      if (best === floats[p.labels + i]) correct++
    }
    floats[p.y] = correct
  },
}
