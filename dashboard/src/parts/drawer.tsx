import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components'
import { IconButton } from './button.js'
import css from './drawer.module.css'

/** Beside the page, about one row of it. Escape and a press on the page close it; focus goes back to where it was. */
export function Drawer({
  isOpen,
  onClose,
  title,
  note,
  actions,
  children,
}: {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly title: string
  /** A word beside the title. */
  readonly note?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}) {
  return (
    <ModalOverlay
      isOpen={isOpen}
      isDismissable
      className={css['overlay'] ?? ''}
      onOpenChange={(open) => {
        if (!open) onClose()
      }}
    >
      <Modal className={css['drawer'] ?? ''}>
        <Dialog className={css['dialog'] ?? ''}>
          <header className={css['header']}>
            <Heading slot="title" className={css['title'] ?? ''}>
              {title}
            </Heading>
            {note}
            <span className={css['actions']}>
              {actions}
              <IconButton label="Close" icon={X} onPress={onClose} />
            </span>
          </header>
          <div className={css['body']}>{children}</div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
