-- name: documents_by_ids(ids)
SELECT d.*, i.state, i.passages, i.total, i.error, n.state AS reindexing, n.error AS reindexing_error
FROM documents d
LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = (SELECT stamp FROM indexes WHERE serving)
LEFT JOIN indexings n ON n.document_id = d.id AND n.stamp = (SELECT stamp FROM indexes WHERE NOT serving)
WHERE d.id IN (SELECT json_array_elements_text(CAST(:ids AS json))) AND d.deleted_at IS NULL;

-- name: list_documents(before, only, limit)
SELECT d.*, i.state, i.passages, i.total, i.error, n.state AS reindexing, n.error AS reindexing_error
FROM documents d
LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = (SELECT stamp FROM indexes WHERE serving)
LEFT JOIN indexings n ON n.document_id = d.id AND n.stamp = (SELECT stamp FROM indexes WHERE NOT serving)
WHERE d.deleted_at IS NULL
  AND (CAST(:only AS json) IS NULL OR d.id IN (SELECT json_array_elements_text(CAST(:only AS json))))
  AND (CAST(:before AS text) IS NULL
       OR (d.created_at, d.id) < (SELECT b.created_at, b.id FROM documents b WHERE b.id = :before))
ORDER BY d.created_at DESC, d.id DESC
LIMIT :limit;

-- name: claim_indexing(stamps, token, now, until, updated_at)^
-- By the clock of this server alone: those of the machines that work for it differ. A lease that ends later
-- than any could is from before that clock was set back.
UPDATE indexings
SET state = 'reading', passages = 0, total = NULL, error = NULL, attempts = attempts + 1, claim = :token,
    leased_until = CAST(extract(epoch FROM clock_timestamp()) AS float8)
        + CAST(:until AS float8) - CAST(:now AS float8),
    updated_at = :updated_at
WHERE (document_id, stamp) = (
    SELECT i.document_id, i.stamp
    FROM indexings i JOIN documents d ON d.id = i.document_id JOIN indexes x ON x.stamp = i.stamp
    WHERE d.deleted_at IS NULL AND i.stamp IN (SELECT json_array_elements_text(CAST(:stamps AS json)))
      AND (i.state = 'queued'
           OR (i.state IN ('reading', 'embedding')
               AND i.leased_until - CAST(extract(epoch FROM clock_timestamp()) AS float8)
                   NOT BETWEEN 0 AND CAST(:until AS float8) - CAST(:now AS float8)))
    ORDER BY x.serving DESC, i.attempts, d.created_at, d.id LIMIT 1
    FOR UPDATE OF i SKIP LOCKED)
RETURNING document_id, stamp, attempts;

-- name: count_waiting(stamps, now, longest)$
SELECT count(*) FROM indexings i JOIN documents d ON d.id = i.document_id
WHERE d.deleted_at IS NULL AND i.stamp IN (SELECT json_array_elements_text(CAST(:stamps AS json)))
  AND (i.state = 'queued'
       OR (i.state IN ('reading', 'embedding')
           AND i.leased_until - CAST(extract(epoch FROM clock_timestamp()) AS float8)
               NOT BETWEEN 0 AND CAST(:longest AS float8) - CAST(:now AS float8)));

-- name: held_claims(tokens)
SELECT claim FROM indexings
WHERE claim IN (SELECT json_array_elements_text(CAST(:tokens AS json))) AND state IN ('reading', 'embedding');

-- name: renew_claims(tokens, now, until)!
UPDATE indexings
SET leased_until = CAST(extract(epoch FROM clock_timestamp()) AS float8)
    + CAST(:until AS float8) - CAST(:now AS float8)
WHERE claim IN (SELECT json_array_elements_text(CAST(:tokens AS json)));
