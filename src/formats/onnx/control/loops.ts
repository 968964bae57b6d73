/** @file Loop and Scan, unrolled: how often they run has to be known before the network runs. */
import { UserError } from '../../../util/errors.ts'
import type { Operation } from '../operation.ts'
import { axisOf } from '../operators/sizes.ts'
import { stacked, stepAt } from '../operators/steps.ts'
import { Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'
import type { Control, Running } from './control.ts'

/** The most steps of one loop. */
const MOST_STEPS = 2_000

const needed = (value: Value | undefined, { label }: Operation): Value => {
  if (!value) throw new UserError(`${label} lacks an input`)
  return value
}

const truth = (is: boolean) => new Known([], () => [Number(is)], { type: 'BOOL' })

const loop: Control = (operation, [most, condition, ...initial], running) => {
  const { label } = operation
  const { scope, body, deciding } = running
  const told = deciding.length > 0 ? ` (an input of the model is said with --given ${deciding[0]}=NUMBER)` : ''
  const known = (value: Value, what: string): number => {
    if (value instanceof Known) return value.values[0]
    throw new Unsupported(
      `${label}: ${what} is computed while the network runs, expected it to be known beforehand${told}`,
    )
  }
  const limit = most === undefined ? Infinity : known(most, 'the number of its steps')
  let states: readonly (Value | undefined)[] = initial
  let going: Value = condition ?? truth(true)
  const collected: Value[][] = []
  for (let step = 0; step < limit && known(going, 'whether it goes on') !== 0; step++) {
    if (step === MOST_STEPS) throw new Unsupported(`${label}: it has more than ${MOST_STEPS} steps`)
    const [next, ...results] = body('body', [Known.integers([step], []), going, ...states])
    if (results.length < initial.length) throw new UserError(`${label}: its body gives fewer values than it is given`)
    states = results.slice(0, initial.length)
    results.slice(initial.length).forEach((value, i) => {
      collected[i] ??= []
      collected[i].push(needed(value, operation))
    })
    // Without a condition the count alone decides.
    going = condition === undefined && most !== undefined ? truth(true) : needed(next, operation)
  }
  operation.ignore('body')
  const scans = operation.outputs.slice(initial.length)
  return [
    ...states,
    ...scans.map((name, i) => {
      if (collected[i]) return stacked(collected[i], 0, scope, operation)
      if (name === '') return undefined
      throw new Unsupported(`${label}: it has no steps, so that ${name} is empty`)
    }),
  ]
}

/** The axes and directions that Scan has for each of several values. */
const listOf = (operation: Operation, name: string, length: number): readonly number[] => {
  const list = operation.integers(name) ?? Array<number>(length).fill(0)
  if (list.length !== length)
    throw new UserError(`${operation.label}: expected ${length} numbers in ${name}, found [${list}]`)
  return list
}

const scan: Control = (operation, inputs, { scope, body }: Running) => {
  const { label, opset } = operation
  if (opset < 9) throw new Unsupported(`${label}: a Scan of opset 8, which runs over batches, does not run here`)
  const count = operation.integer('num_scan_inputs', 0)
  const values = inputs.map((value) => needed(value, operation))
  if (!(count >= 1 && count <= values.length))
    throw new UserError(`${label}: expected 1 to ${values.length} num_scan_inputs, found ${count}`)
  const before = values.length - count
  const sequences = values.slice(before)
  const axes = listOf(operation, 'scan_input_axes', count).map((axis, i) =>
    axisOf(axis, sequences[i].shape.length, operation),
  )
  const backwards = listOf(operation, 'scan_input_directions', count)
  const lengths = sequences.map(({ shape }, i) => shape[axes[i]])
  const [length] = lengths
  if (lengths.some((one) => one !== length) || length === 0)
    throw new UserError(`${label}: expected sequences of one length above 0, found lengths of ${lengths.join(' and ')}`)
  if (length > MOST_STEPS) throw new Unsupported(`${label}: it has ${length} steps, expected at most ${MOST_STEPS}`)
  let states: readonly (Value | undefined)[] = values.slice(0, before)
  const collected = operation.outputs.slice(before).map((): Value[] => [])
  for (let step = 0; step < length; step++) {
    const elements = sequences.map((sequence, i) =>
      stepAt(sequence, axes[i], backwards[i] ? length - 1 - step : step, scope, operation),
    )
    const results = body('body', [...states, ...elements])
    states = results.slice(0, before)
    collected.forEach((list, i) => {
      list.push(needed(results[before + i], operation))
    })
  }
  const outputAxes = listOf(operation, 'scan_output_axes', collected.length)
  const reversed = listOf(operation, 'scan_output_directions', collected.length)
  return [
    ...states,
    ...collected.map((list, i) => {
      const axis = axisOf(outputAxes[i], list[0].shape.length + 1, operation)
      return stacked(reversed[i] ? list.toReversed() : list, axis, scope, operation)
    }),
  ]
}

export const loops: Record<string, Control> = { Loop: loop, Scan: scan }
