import { Label, TextArea, TextField, FieldError } from 'react-aria-components'
import css from './start.module.css'

/** The same configuration as text: what the form does not have can be written here. */
export function ConfigText({
  text,
  onChange,
  problem,
}: {
  readonly text: string
  readonly onChange: (text: string) => void
  /** Why the text is none. */
  readonly problem: string | null
}) {
  return (
    <TextField
      className={css['text'] ?? ''}
      value={text}
      onChange={onChange}
      isInvalid={problem !== null}
      validationBehavior="aria"
    >
      <Label className={css['textLabel'] ?? ''}>Configuration as JSON</Label>
      <TextArea className={css['textArea'] ?? ''} spellCheck={false} />
      <FieldError className={css['textProblem'] ?? ''}>{problem}</FieldError>
    </TextField>
  )
}
