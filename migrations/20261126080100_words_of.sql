-- The words of a text, lower case, with one blank around each: two texts share whole words, not parts of them.
create function words_of(value text) returns text
language sql
immutable
as $$
  select ' ' || trim(regexp_replace(
    regexp_replace(lower(value), '[^[:alnum:]@._+''-]+', ' ', 'g'), '[.]+( |$)', ' ', 'g')) || ' '
$$;
