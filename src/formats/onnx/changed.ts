/** @file Copies of protobuf messages with other fields. */
import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf'

/** A shallow copy with other values in some fields. Fields that the schema does not know go along. */
export function changed<Schema extends DescMessage>(
  schema: Schema,
  message: MessageShape<Schema>,
  fields: MessageInitShape<Schema>,
): MessageShape<Schema> {
  const { $typeName: _, $unknown, ...known } = message
  const copy = create(schema, { ...known, ...fields } as MessageInitShape<Schema>)
  if ($unknown) copy.$unknown = $unknown
  return copy
}
