-- name: add_conversation(id, title, scoped, created_at)!
INSERT INTO conversations (id, title, scoped, created_at) VALUES (:id, :title, :scoped, :created_at);

-- name: add_scope*!
INSERT INTO conversation_documents (conversation_id, document_id) VALUES (:conversation_id, :document_id);

-- name: get_conversation(id)^
SELECT c.*, (SELECT json_group_array(s.document_id)
             FROM conversation_documents s JOIN documents d ON d.id = s.document_id AND d.deleted_at IS NULL
             WHERE s.conversation_id = c.id) AS document_ids
FROM conversations c WHERE c.id = :id;

-- name: list_conversations(before, limit)
SELECT c.*, (SELECT json_group_array(s.document_id)
             FROM conversation_documents s JOIN documents d ON d.id = s.document_id AND d.deleted_at IS NULL
             WHERE s.conversation_id = c.id) AS document_ids
FROM conversations c
WHERE :before IS NULL
   OR (c.created_at, c.id) < (SELECT b.created_at, b.id FROM conversations b WHERE b.id = :before)
ORDER BY c.created_at DESC, c.id DESC
LIMIT :limit;

-- name: replace_in_scopes(old, new)!
INSERT INTO conversation_documents (conversation_id, document_id)
SELECT conversation_id, :new FROM conversation_documents WHERE document_id = :old
ON CONFLICT DO NOTHING;

-- name: rename_conversation(id, title)!
UPDATE conversations SET title = :title WHERE id = :id;

-- name: delete_conversation(id)!
DELETE FROM conversations WHERE id = :id;

-- name: list_messages(conversation_id)
SELECT * FROM messages WHERE conversation_id = :conversation_id ORDER BY position;

-- name: end_unfinished(conversation_id, error)!
UPDATE messages SET status = 'incomplete', error = :error
WHERE conversation_id = :conversation_id AND status = 'running';

-- name: conversation_exists(id)$
SELECT 1 FROM conversations WHERE id = :id;

-- name: next_position(conversation_id)$
SELECT coalesce(max(position) + 1, 0) FROM messages WHERE conversation_id = :conversation_id;

-- name: add_message(id, conversation_id, position, role, content, status, process, created_at)!
INSERT INTO messages (id, conversation_id, position, role, content, status, process, created_at)
VALUES (:id, :conversation_id, :position, :role, :content, :status, :process, :created_at);

-- name: is_answered_elsewhere(conversation_id, process)$
SELECT 1 FROM messages m JOIN processes p ON p.id = m.process
WHERE m.conversation_id = :conversation_id AND m.status = 'running' AND m.process <> :process;

-- name: save_message(id, content, status, sources, tools, usage, error)!
UPDATE messages
SET content = :content, status = :status, sources = :sources, tools = :tools, usage = :usage, error = :error
WHERE id = :id;

-- name: end_interrupted(error)!
UPDATE messages SET status = 'incomplete', error = :error WHERE status = 'running';

-- name: end_abandoned(error)!
UPDATE messages SET status = 'incomplete', error = :error
WHERE status = 'running' AND (process IS NULL OR process NOT IN (SELECT id FROM processes));

-- name: note_process(id, now)!
INSERT INTO processes (id, seen_at) VALUES (:id, :now)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: forget_process(id)!
DELETE FROM processes WHERE id = :id;

-- name: forget_lost_processes(now, silence)!
DELETE FROM processes WHERE seen_at < :now - :silence;
