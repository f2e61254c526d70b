-- At most one insert of a token takes effect, whoever sends it and however often.
INSERT INTO claims_data (kind, subject, number, owner, version)
SETTINGS insert_deduplication_token = {token:String}
SELECT {kind:String}, {subject:String}, {number:UInt64}, {owner:String}, {version:Int64}
