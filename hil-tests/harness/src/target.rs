//! Where the cases run: in QEMU, hosted on this machine, or on a lab machine.

pub mod hosted;
pub mod ssh;

use std::str::FromStr;

/// Where the cases run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// On the hosted port of this machine: the apps, and what can go wrong there.
    Hosted,
    /// In a guest.
    Qemu,
    /// On a lab machine, by what ssh calls it.
    Ssh(String),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "hosted" => Ok(Self::Hosted),
            None if text == "qemu" => Ok(Self::Qemu),
            // What begins with a dash would be an option to ssh.
            Some(("ssh", host)) if !host.is_empty() && !host.starts_with('-') => {
                Ok(Self::Ssh(host.to_owned()))
            }
            _ => Err("give hosted, qemu, or ssh:HOST".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_word_or_a_host() {
        assert_eq!("hosted".parse(), Ok(Target::Hosted));
        assert_eq!("qemu".parse(), Ok(Target::Qemu));
        for host in ["lab", "me@lab", "ssh://me@lab:2222"] {
            assert_eq!(format!("ssh:{host}").parse(), Ok(Target::Ssh(host.into())));
        }
        for bad in ["", "kvm", "ssh", "ssh:", "ssh:-oProxyCommand=x", "scp:lab"] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
