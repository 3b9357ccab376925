import { CircleAlert } from 'lucide-react'
import { Button } from 'react-aria-components'
import type { JsonObject } from '#protocol/json.js'
import type { FormSchema } from './form/form-schema.js'
import { fieldIdOf, labelOf, type Path, type Refusal } from './form/refusal.js'
import css from './refusal-summary.module.css'

/** What the coordinator did not like, above the form; a press leads to the setting. */
export function RefusalSummary({
  refusal: { fields, others },
  config,
  schema,
}: {
  readonly refusal: Refusal
  readonly config: JsonObject
  readonly schema: FormSchema
}) {
  const count = fields.length + others.length
  if (count === 0) return null
  return (
    <div role="alert" className={css['summary']}>
      <CircleAlert size={16} aria-hidden="true" />
      <div className={css['text']}>
        <p className={css['title']}>
          {count === 1 ? 'One thing keeps' : `${count} things keep`} this run from starting
        </p>
        <ul className={css['list']}>
          {fields.map(({ path, message }) => (
            <li key={`${path.join('.')}: ${message}`}>
              <Button className={css['link'] ?? ''} onPress={() => focusField(path)}>
                {labelOf(path, config, schema)}
              </Button>
              <span>{message}</span>
            </li>
          ))}
          {others.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </div>
    </div>
  )
}

/** Whether it is there, and shown. */
export function focusField(path: Path): boolean {
  const field = document.querySelector(`[data-field="${CSS.escape(fieldIdOf(path))}"]`)
  const control = field?.querySelector<HTMLElement>('input, textarea, button')
  if (control === null || control === undefined || control.getClientRects().length === 0)
    return false
  control.focus({ preventScroll: true })
  control.scrollIntoView({ block: 'center' })
  return true
}
