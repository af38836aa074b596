-- name: get_conversation(id)^
SELECT c.*, (SELECT coalesce(CAST(json_agg(s.document_id) AS text), '[]')
             FROM conversation_documents s JOIN documents d ON d.id = s.document_id AND d.deleted_at IS NULL
             WHERE s.conversation_id = c.id) AS document_ids
FROM conversations c WHERE c.id = :id;

-- name: list_conversations(before, limit)
SELECT c.*, (SELECT coalesce(CAST(json_agg(s.document_id) AS text), '[]')
             FROM conversation_documents s JOIN documents d ON d.id = s.document_id AND d.deleted_at IS NULL
             WHERE s.conversation_id = c.id) AS document_ids
FROM conversations c
WHERE CAST(:before AS text) IS NULL
   OR (c.created_at, c.id) < (SELECT b.created_at, b.id FROM conversations b WHERE b.id = :before)
ORDER BY c.created_at DESC, c.id DESC
LIMIT :limit;

-- name: conversation_exists(id)$
-- Held until the turn is stored: two questions at once must not get the same position.
SELECT 1 FROM conversations WHERE id = :id FOR UPDATE;

-- name: note_process(id)!
-- By the clock of this server alone: those of the machines that work with it differ.
INSERT INTO processes (id, seen_at) VALUES (:id, CAST(extract(epoch FROM clock_timestamp()) AS float8))
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at;

-- name: forget_lost_processes(silence)!
DELETE FROM processes
WHERE seen_at < CAST(extract(epoch FROM clock_timestamp()) AS float8) - CAST(:silence AS float8);
