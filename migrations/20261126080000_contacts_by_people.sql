-- An integration is no person: what it wrote has no second one, since whoever holds its key may approve.
alter table client_contact_approvals
  add constraint client_contact_approvals_by_people check (set_by like 'user:%') not valid;
