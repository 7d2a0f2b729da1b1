-- What per-user records say of a user, by which seats can be shared over billing entities.
alter table activities
  add column department text,
  add column licence_group text;
