//! Which columns of source rows hold persons.

use std::collections::BTreeSet;

/// Columns that hold nothing but persons, their addresses or their telephones. Folded to letters and digits.
const PERSONS: [&str; 34] = [
    "user",
    "username",
    "userid",
    "userdisplayname",
    "userprincipalname",
    "principalname",
    "upn",
    "firstname",
    "givenname",
    "lastname",
    "surname",
    "mail",
    "email",
    "emailaddress",
    "mailnickname",
    "proxyaddresses",
    "alternateemailaddresses",
    "signinname",
    "contact",
    "contactname",
    "contactemail",
    "assignedto",
    "assigneduser",
    "createdby",
    "modifiedby",
    "salesperson",
    "salesrep",
    "accountmanager",
    "phone",
    "phonenumber",
    "mobilephone",
    "streetaddress",
    "initiatedby",
    "actor",
];

/// Columns that hold a person where the file is one of users, which the others tell.
const OF_USERS: [&str; 3] = ["displayname", "name", "fullname"];

/// Columns that tell a file of users.
const TELLING: [&str; 5] = ["userprincipalname", "upn", "user", "username", "principalname"];

/// Places of the columns that hold persons.
pub(super) fn of_persons(columns: &[String]) -> BTreeSet<usize> {
    let folded: Vec<String> = columns.iter().map(|column| fold(column)).collect();
    let users = folded.iter().any(|column| TELLING.contains(&column.as_str()));
    let holds = |column: &&str| PERSONS.contains(column) || (users && OF_USERS.contains(column));
    let places = folded.iter().enumerate().filter(|(_, column)| holds(&column.as_str()));
    places.map(|(place, _)| place).collect()
}

fn fold(column: &str) -> String {
    column.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_name_is_a_persons_only_in_a_file_of_users() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let users = columns(&["Display name", "User principal name", "Licenses", "E-mail"]);
        assert_eq!(of_persons(&users), BTreeSet::from([0, 1, 3]));
        let products = columns(&["displayName", "skuId", "name"]);
        assert_eq!(of_persons(&products), BTreeSet::new());
    }
}
