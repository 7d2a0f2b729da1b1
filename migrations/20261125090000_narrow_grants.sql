-- The service may change what it does change, and nothing else of a row.

revoke update on corrections, correction_disputes, deliveries from leakage_app;
-- Whose it is, in which currency and direction, and who opened it when, is for good.
grant update (state, owner, audit_id, conversation, found_minor, outstanding_minor, invoice_on, announced_retro_minor,
              announced_forward_minor, due_on, version, updated_at)
  on corrections to leakage_app;
-- An objection is answered.
grant update (answered_by, answered_at) on correction_disputes to leakage_app;
-- A delivery gets further.
grant update (status, delivered_at, version, updated_at) on deliveries to leakage_app;

-- A letter belongs to a correction that there is. Not valid: letters that were written before are left as
-- they are.
alter table letters
  add constraint letters_correction foreign key (org_id, correction_id) references corrections (org_id, id) not valid;
