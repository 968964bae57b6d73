/**
 * @file A field for a number: what is being typed stays as it is, and only what others change is written into
 * it.
 */
import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

interface Props extends Pick<JSX.IntrinsicElements['input'], 'id' | 'min' | 'max' | 'disabled'> {
  /** NaN: nothing, or no number yet. */
  value: number
  setValue(value: number): void
}

export function NumberField({ value, setValue, ...rest }: Props) {
  const input = useRef<HTMLInputElement>(null)
  useLayoutEffect(() => {
    const field = input.current!
    const typing = document.activeElement === field && !field.disabled
    if (!typing && !Object.is(field.valueAsNumber, value)) field.value = Number.isNaN(value) ? '' : String(value)
  }, [value])
  return (
    <input
      {...rest}
      ref={input}
      type="number"
      step="any"
      required
      onInput={({ currentTarget }) => setValue(currentTarget.valueAsNumber)}
    />
  )
}
