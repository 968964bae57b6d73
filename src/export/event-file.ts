/**
 * @file Event files of TensorBoard: a record for each point, which is a message `Event` of its protocol
 * buffers (tensorboard/compat/proto/event.proto and summary.proto). Values are single precision there.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { framed } from './record-file.ts'
import type { Point } from './scalars.ts'

/** Numbers of the fields that are written. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 }
const SUMMARY = { value: 1 }
const VALUE = { tag: 1, simpleValue: 2 }

/** What the first event of every file says. */
const VERSION = 'brain.Event:2'

/** The bytes of a file, in parts; `started` (Unix seconds) is the time of its first event. */
export function eventFile(points: readonly Point[], started: number): Uint8Array[] {
  const version = event(started).tag(EVENT.fileVersion, WireType.LengthDelimited).string(VERSION)
  return framed([
    version.finish(),
    ...points.map(({ time, step, values }) => {
      const numbered = event(time).tag(EVENT.step, WireType.Varint).int64(step)
      return numbered.tag(EVENT.summary, WireType.LengthDelimited).bytes(summaryOf(values)).finish()
    }),
  ])
}

/** The name of a file, which TensorBoard knows by the word `tfevents`. */
export const eventFileName = (started: number): string => `events.out.tfevents.${Math.floor(started)}.espalier`

/** Whether a file was written under such a name. */
export const isEventFile = (name: string): boolean => /^events\.out\.tfevents\.\d+\.espalier$/.test(name)

const event = (time: number) => new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(time)

function summaryOf(values: ReadonlyMap<string, number>): Uint8Array {
  const summary = new BinaryWriter()
  for (const [tag, value] of values) {
    const one = new BinaryWriter().tag(VALUE.tag, WireType.LengthDelimited).string(tag)
    one.tag(VALUE.simpleValue, WireType.Bit32).float(Math.fround(value))
    summary.tag(SUMMARY.value, WireType.LengthDelimited).bytes(one.finish())
  }
  return summary.finish()
}
