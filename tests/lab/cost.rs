//! What Holdfast costs beside the bare commands, on one machine and in one go. Nothing here asserts a time: the figures
//! are printed for `./dev bench`, because machines are noisy.

use std::time::Instant;

use crate::host::Host;

const DISKS: [(&str, &str); 4] =
    [("HF-DISK-1", "600MiB"), ("HF-DISK-2", "600MiB"), ("HF-DISK-3", "600MiB"), ("HF-DISK-4", "600MiB")];

/// What somebody who trusts the machine would write for `kvm-storage`.
const BARE: &str = "set -e
mdadm --create /dev/md/kvm --name=kvm --homehost=any --metadata=1.2 --level=10 --raid-devices=4 --chunk=512K --bitmap=internal \
    --run --quiet /dev/vdb /dev/vdc /dev/vdd /dev/vde
udevadm settle
mdadm --detail --brief /dev/md/kvm >> /etc/mdadm/mdadm.conf
update-initramfs -u -k all
pvcreate -q /dev/md/kvm
vgcreate -q vg_kvm /dev/md/kvm
lvcreate -q -y -W y -n images -l 60%VG vg_kvm
lvcreate -q -y -W y -n export -l 30%VG vg_kvm
mkfs.xfs -q -L images /dev/vg_kvm/images
mkfs.ext4 -q /dev/vg_kvm/export
udevadm settle
mkdir -p /var/lib/libvirt/images /srv/export
echo \"UUID=$(blkid -s UUID -o value /dev/vg_kvm/images) /var/lib/libvirt/images xfs noatime 0 0\" >> /etc/fstab
echo \"UUID=$(blkid -s UUID -o value /dev/vg_kvm/export) /srv/export ext4 defaults 0 0\" >> /etc/fstab
systemctl daemon-reload
mount /var/lib/libvirt/images
mount /srv/export
echo '/srv/export 127.0.0.0/8(rw,sync,no_subtree_check,root_squash)' > /etc/exports.d/holdfast.exports
exportfs -ra
printf '%s\\n' vm.dirty_background_bytes=268435456 vm.dirty_bytes=1073741824 vm.swappiness=10 vm.vfs_cache_pressure=50 \
    fs.aio-max-nr=1048576 > /etc/sysctl.d/90-holdfast.conf
sysctl -q -p /etc/sysctl.d/90-holdfast.conf
sync";

/// Takes away what either of them has made.
const CLEAR: &str = "exportfs -ua; rm -f /etc/exports.d/*; umount /var/lib/libvirt/images /srv/export
sed -i '/libvirt\\|srv.export/d' /etc/fstab; rm -f /etc/sysctl.d/90-holdfast.conf; sed -i '/^ARRAY/d' /etc/mdadm/mdadm.conf
vgremove -q -ff -y vg_kvm; pvremove -q -ff -y /dev/md/kvm; mdadm --stop --quiet /dev/md/kvm
for d in /dev/vd[b-e]; do mdadm --zero-superblock $d; blkdiscard -z $d; done
systemctl daemon-reload; udevadm settle; sync";

/// Both sides take turns so often, after one turn that is not counted: a machine that has just come up loads modules and
/// programs for whoever is first.
const ROUNDS: usize = 5;

#[test]
#[ignore = "boots a virtual machine; ./dev bench runs it"]
fn the_whole_stack_is_built_beside_the_bare_commands() {
    let host = Host::with(&DISKS);
    host.sh("mkdir -p /etc/exports.d; systemctl start nfs-server");
    // The agent is brought once for all runs.
    host.kvm_storage(&["--check"]).must(0);
    let mut rounds: Vec<[f64; 3]> = (0..=ROUNDS).map(|_| round(&host)).collect();
    rounds.remove(0);
    let spread = |of: fn(&[f64; 3]) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        (all[0], all[all.len() / 2], all[all.len() - 1])
    };
    let (least, ratio, most) = spread(|[bare, ours, _]| ours / bare);
    eprintln!("the whole stack by bare commands  {:6.2} s   1.00 x", spread(|round| round[0]).1);
    eprintln!(
        "the whole stack by holdfast       {:6.2} s  {ratio:5.2} x  (at most 1.3)",
        spread(|round| round[1]).1
    );
    eprintln!(
        "the same again, unchanged         {:6.2} s          (at most 1.5 s)",
        spread(|round| round[2]).1
    );
    eprintln!("medians of {ROUNDS} rounds; the ratio of a round was between {least:.2} and {most:.2}");
}

/// Seconds that the bare commands took, that Holdfast took for the same, and for nothing after that.
fn round(host: &Host) -> [f64; 3] {
    let bare = timed(|| drop(host.sh(BARE)));
    host.sh(CLEAR);
    let ours = timed(|| assert!(host.kvm_storage(&[]).must(0).changed() > 0));
    let again = timed(|| assert_eq!(host.kvm_storage(&[]).must(0).changed(), 0));
    host.sh(CLEAR);
    [bare, ours, again]
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}
