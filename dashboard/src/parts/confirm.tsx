import { useState, type ReactNode } from 'react'
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import type { FederationError } from '#protocol/errors.js'
import { problemOf } from '../server/api.js'
import { Button } from './button.js'
import css from './confirm.module.css'
import { Problem } from './problem.js'

export interface ConfirmProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  /** A question: "Stop the run?" */
  readonly title: string
  /** What will happen, and what cannot be undone. */
  readonly children: ReactNode
  /** What is done, as a verb: "Stop". */
  readonly action: string
  readonly isDanger?: boolean
  /** Closes when it is done; what it throws is shown. */
  readonly onConfirm: () => Promise<unknown>
}

/** Asks before something is done that is not easily undone. */
export function Confirm(props: ConfirmProps) {
  const { isOpen, onClose, title, children, action, isDanger = false, onConfirm } = props
  const [problem, setProblem] = useState<FederationError | null>(null)
  const [isPending, setIsPending] = useState(false)
  const close = (): void => {
    setProblem(null)
    onClose()
  }
  const confirm = async (): Promise<void> => {
    setIsPending(true)
    try {
      await onConfirm()
      close()
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setIsPending(false)
    }
  }
  return (
    <Window isOpen={isOpen} onClose={close} title={title} role="alertdialog">
      <div className={css['text']}>{children}</div>
      {problem !== null && <Problem error={problem} />}
      <div className={css['actions']}>
        <Button onPress={close}>Cancel</Button>
        <Button
          look={isDanger ? 'danger' : 'primary'}
          isPending={isPending}
          onPress={() => void confirm()}
          autoFocus
        >
          {action}
        </Button>
      </div>
    </Window>
  )
}

/** A dialog over the page: Escape and a press beside it close it, and focus goes back to where it was. */
export function Window({
  isOpen,
  onClose,
  title,
  role = 'dialog',
  isPersistent = false,
  children,
}: {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly title: string
  readonly role?: 'dialog' | 'alertdialog'
  /** Only its own buttons close it. */
  readonly isPersistent?: boolean
  readonly children: ReactNode
}) {
  return (
    <ModalOverlay
      isOpen={isOpen}
      isDismissable={!isPersistent}
      isKeyboardDismissDisabled={isPersistent}
      className={css['overlay'] ?? ''}
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Modal className={css['modal'] ?? ''}>
        <Dialog role={role} className={css['dialog'] ?? ''}>
          <Heading slot="title" className={css['title'] ?? ''}>
            {title}
          </Heading>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
